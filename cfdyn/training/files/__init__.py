"""What is in the folder of a run: who writes there, measurements that grow, and checkpoints to go on from."""
