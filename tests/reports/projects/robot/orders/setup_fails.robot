*** Settings ***
Suite Setup    Fail    no database for the suite

*** Test Cases ***
Total
    No Operation

Price
    No Operation
