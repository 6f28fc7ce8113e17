"""`python -m services.integrations`: run the service until it is asked to stop."""

from services.integrations.app import main

if __name__ == "__main__":
    main()
