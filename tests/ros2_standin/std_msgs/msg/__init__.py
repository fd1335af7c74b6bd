"""One generated message class, as far as a raw subscription looks at it."""


class Metaclass_UInt8MultiArray(type):  # noqa: N801  # as rosidl names it
    _TYPE_SUPPORT = "a capsule"


class UInt8MultiArray(metaclass=Metaclass_UInt8MultiArray):
    pass


class NotAMessage:
    pass


a_value = 3
