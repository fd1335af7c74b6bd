"""The recorder in a ROS 2 graph: services, status topic, parameters and lifecycle over rclpy; services without it."""
