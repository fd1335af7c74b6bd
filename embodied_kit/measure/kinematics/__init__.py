"""Kinematics: what the robot's description and its recorded joints say of each other. Pure functions and their rows."""
