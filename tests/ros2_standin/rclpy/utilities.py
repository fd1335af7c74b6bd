from rclpy.versions import VERSION


def get_rmw_implementation_identifier():
    return VERSION.rmw
