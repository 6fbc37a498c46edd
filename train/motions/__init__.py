"""People's motions as joints, made by kinematics: no drawing, thousands of windows a second."""
