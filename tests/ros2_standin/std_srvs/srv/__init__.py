"""Generated service classes; TEXTS are the definitions of request and response."""


class Metaclass(type):
    _TYPE_SUPPORT = "a capsule"


class Answer:
    def __init__(self):
        self.success, self.message = False, ""


class Trigger(metaclass=Metaclass):
    TEXTS = ("uint8 structure_needs_at_least_one_member\n", "bool success\nstring message\n")

    class Request:
        pass

    class Response(Answer):
        pass


class SetBool(metaclass=Metaclass):
    TEXTS = ("bool data\n", "bool success\nstring message\n")

    class Request:
        def __init__(self):
            self.data = False

    class Response(Answer):
        pass
