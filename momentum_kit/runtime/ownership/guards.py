"""Paper is proven, not assumed: host, port, account and configuration must agree before anything is sent."""

from momentum_kit.config import Config, departures
from momentum_kit.errors import GuardRefused
from momentum_kit.runtime.ownership.state_folder import StateFolder


def prove_account(config: Config, accounts: tuple[str, ...], folder: StateFolder, *, goes_on: bool = False) -> str:
    """The account to trade; GuardRefused with the contradiction if anything disagrees.

    goes_on: a session whose engine has ended is continued. Neither latch nor arming are asked then: they bar a start,
    and what is held must find its way out.
    """
    wanted = config.broker.account
    if wanted and wanted not in accounts:
        raise GuardRefused(
            f"account {wanted} is not served by this gateway (it serves {', '.join(accounts) or 'none'})"
        )
    if not wanted and len(accounts) != 1:
        raise GuardRefused(f"the gateway serves {len(accounts)} accounts; name one in broker.account")
    account = wanted or accounts[0]
    if not account.startswith(config.broker.account_prefix):
        raise GuardRefused(
            f"account {account} does not start with {config.broker.account_prefix}: "
            f"this is not the {config.environment} account that the configuration means"
        )
    if config.needs_arming and not wanted:
        raise GuardRefused("live trading needs the account id typed in broker.account")
    if goes_on:
        return account
    if config.needs_arming:
        folder.require_armed(account, config.command(f"arm --account {account}"))
    if reason := folder.killed:
        raise GuardRefused(f"the kill switch is latched ({reason}); run: {config.command('clear')}")
    return account


def strategy_departures(config: Config, code: str) -> tuple[str, ...]:
    """What a session would trade more, wider or other than it was judged, one line each; code: that decides here."""
    export = config.thresholds.export
    if export is None:
        return ()
    told = departures(config)
    if export.code_version != code:
        told = (*told, f"the code that decides is {code}, judged was {export.code_version}: validate and export again")
    return told


def prove_strategy(config: Config, code: str) -> tuple[str, ...]:
    """The same; GuardRefused where there are any and money is real."""
    told = strategy_departures(config, code)
    if told and config.needs_arming:
        raise GuardRefused(f"not what was judged: {'; '.join(told)}")
    return told


def clear_phrase(owner_key: str) -> str:
    """What a human types to release the kill switch of an account: nothing that a habit or a script would send."""
    return f"trade {owner_key} again"


def release_kill(folder: StateFolder, owner_key: str, phrase: str) -> str:
    """Release the kill switch and return one line for the human; GuardRefused while an engine lives, or without words.

    Without a latch there is nothing to refuse.
    """
    reason = folder.killed
    if folder.owned:
        raise GuardRefused("an engine still owns this account; it must have ended before its kill is cleared")
    if not reason:
        return "nothing was latched"
    if phrase != clear_phrase(owner_key):
        raise GuardRefused(
            f"killed {reason}; once you have looked at the account, clear it with the phrase: {clear_phrase(owner_key)}"
        )
    folder.clear_kill()
    return f"cleared: {reason}"


def prove_same_account(account: str, accounts: tuple[str, ...]) -> str:
    """The account that the session trades already; GuardRefused if the gateway that came back serves another.

    Neither latch nor arming are asked again: they bar a start, and what is held must find its way out.
    """
    if account not in accounts:
        raise GuardRefused(f"the gateway that came back serves {', '.join(accounts) or 'no account'}, not {account}")
    return account
