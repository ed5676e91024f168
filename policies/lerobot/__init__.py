"""Policies of LeRobot, or anything else with ``select_action``, in our loops."""
