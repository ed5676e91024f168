"""LeRobot's conventions: its dataset format, and policies of ours inside its evaluation."""
