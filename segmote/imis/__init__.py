"""IMIS-Net, the network that SegMoTE stands on."""
