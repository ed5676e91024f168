"""x"""
from contextlib import nullcontext
def simplified_meshes(model):
    return nullcontext()
