"""HTTP: one attempt, what its failure means, whether and when it is made again."""
