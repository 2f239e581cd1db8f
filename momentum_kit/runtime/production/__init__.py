"""`momentum-kit run`: a notebook executed headlessly, its engine owned, its report written."""
