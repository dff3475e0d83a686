"""PyTorch modules that compute vectors from the ids of inputs."""
