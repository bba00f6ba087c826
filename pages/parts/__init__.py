"""What pages draw and remember: small Streamlit helpers, without tensor maths."""
