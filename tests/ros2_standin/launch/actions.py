class DeclareLaunchArgument:
    def __init__(self, name, *, default_value=None, description=None):
        self.name, self.default_value, self.description = name, default_value, description
