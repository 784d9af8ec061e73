"""What a scan says, in the forms that people and programs read: one file each. They know the model and nothing else."""
