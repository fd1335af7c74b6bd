"""Generated message classes, as far as a raw subscription looks at them."""


class Metaclass(type):
    _TYPE_SUPPORT = "a capsule"


class UInt8MultiArray(metaclass=Metaclass):
    pass


class String(metaclass=Metaclass):
    pass


class Bool(metaclass=Metaclass):
    pass


a_value = 3
