"""The UR5: arm, gripper, cameras, safety, and a simulator of its controller."""
