*** Settings ***
Documentation    Holds no test.
