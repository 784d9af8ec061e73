"""What keepgate has promised to hold, requirement by requirement, and the tests that hold it to that."""
