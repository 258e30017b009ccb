*** Test Cases ***
Control Characters
    ${text}=    Evaluate    "\\x1b[31mred\\x1b[0m \\x00\\x08\\x0c\\x7f ]]> \\ufffe done"
    Log    ${text}
    Fail    ${text}
