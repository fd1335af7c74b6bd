"""The transport over rclpy, for machines with ROS 2 sourced: whatever RMW is there carries it."""
