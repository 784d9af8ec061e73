"""What a scan or a record says, in the forms that people and programs read: one file each.

They know the model, or a record as it is stored, and nothing of where these go.
"""
