"""The pages that people live with: one module and one template for each, in one frame.

They are whole without JavaScript; with it they stay up to date by themselves. Nothing on them comes from another host.
"""
