"""SegMoTE's network (section 3 of the paper): mixture of token experts, prompt tokens, expert mask decoder."""
