"""Where things live: grids, transforms, stencils, transfers between grids, random fields."""
