"""Looking inside SegMoTE: what its routers choose, where its tokens look, what the frozen encoder sees."""
