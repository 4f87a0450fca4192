"""The programs that compiled code is made from: of losses and maps, batches, flows, watched functions."""
