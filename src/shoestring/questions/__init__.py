"""Questions: what is asked, the strategy that asks for trials until it is answered, and what was found. One folder a question.

=======  =====================================================
search   which configuration is best?
compare  is one arm better than another, and by how much?
scale    how does a metric change with size?
largest  what is the largest size that is still solved?
=======  =====================================================

``kinds`` is the table of them: all that the rest of the package asks of a question by its kind.
"""
