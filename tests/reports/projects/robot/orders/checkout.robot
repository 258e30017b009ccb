*** Test Cases ***
Total
    Log To Console    a line on stdout
    Should Be Equal As Integers    12    12

Price
    Should Be Equal As Integers    13    12    the price is wrong <&>"'

Unexpected Error
    Evaluate    {}['customer']

Skipped
    Skip    not before 2027 <soon> & "later"

Skipped By Tag
    [Tags]    robot:skip
    Fail

Setup Error
    [Setup]    Fail    no database
    No Operation

Teardown Error
    No Operation
    [Teardown]    Fail    still locked

Failure And Teardown Error
    Fail    first the failure
    [Teardown]    Fail    still locked

Grüße 世界 🛒 <b>&"'</b>
    Fail    größe 価格 🛒 ]]>

Amount
    [Template]    Amount Should Be Positive
    1
    -1
    -2

*** Keywords ***
Amount Should Be Positive
    [Arguments]    ${amount}
    Should Be True    ${amount} > 0
