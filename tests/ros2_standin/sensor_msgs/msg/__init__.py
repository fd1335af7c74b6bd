"""Generated message classes, as far as a raw subscription looks at them."""


class Metaclass(type):
    _TYPE_SUPPORT = "a capsule"


class JointState(metaclass=Metaclass):
    pass


class Image(metaclass=Metaclass):
    pass


class Joy(metaclass=Metaclass):
    pass
