"""The programs from which code is compiled: of losses and maps, batches, flows, watched functions."""
