class Node:
    """Its command line ends with --ros-args, whatever it is given (launch_ros)."""

    def __init__(self, *, executable, package=None, name=None, parameters=None, arguments=None, output="log"):
        self.executable, self.package, self.name, self.output = executable, package, name, output
        self.parameters = parameters or []
        self.cmd = [*(arguments or []), "--ros-args"]
