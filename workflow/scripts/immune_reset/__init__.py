"""What more than one script of the workflow needs: tables, the design, and the statistics."""
