class Node:
    """Its command line ends with --ros-args, whatever it is given (launch_ros)."""

    def __init__(self, *, executable, package=None, arguments=None, output="log"):
        self.executable, self.package, self.output = executable, package, output
        self.cmd = [*(arguments or []), "--ros-args"]
