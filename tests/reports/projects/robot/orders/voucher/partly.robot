*** Test Cases ***
Total
    No Operation
