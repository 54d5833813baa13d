"""Facts and arithmetic: components, workloads, closing snapshots, trends, money, routes, weeks. No I/O."""
