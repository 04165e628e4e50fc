"""IMIS-Net, the network on which SegMoTE is built."""
