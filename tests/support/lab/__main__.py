from tests.support.lab.app import main

main()
