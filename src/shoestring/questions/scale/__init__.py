"""How does a metric change with size?"""
