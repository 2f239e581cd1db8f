"""`momentum-kit doctor`: is this machine, this configuration and this gateway ready?"""
