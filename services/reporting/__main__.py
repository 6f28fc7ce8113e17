"""`python -m services.reporting`: run the service until it is asked to stop."""

from services.reporting.app import main

if __name__ == "__main__":
    main()
