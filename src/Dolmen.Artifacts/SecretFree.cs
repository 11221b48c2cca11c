using System.Text.RegularExpressions;

namespace Dolmen.Artifacts;

/// <summary>Addresses as they may be shown and stored: without the name and password that someone wrote into them.</summary>
public static partial class SecretFree
{
    public static string Address(string address) => UserInfo().Replace(address, "$1***@");

    // Up to the last @ before the path; a password with a slash, which no program reads as one, up to the last @ of all.
    [GeneratedRegex(
        @"^(\s*(?:[A-Za-z][A-Za-z0-9+.-]*:[/\\]*|[/\\]*))(?:[^/\\?#]*@|[^/\\?#@:]*:(?!\d*(?:[/\\?#]|$)).*@)",
        RegexOptions.Singleline
    )]
    private static partial Regex UserInfo();
}
