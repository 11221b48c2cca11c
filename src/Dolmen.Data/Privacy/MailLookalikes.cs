using System.Collections.Frozen;

namespace Dolmen.Data.Privacy;

/// <summary>
/// What has an at sign and a dot and is not an e-mail address: files for dense displays (<c>logo@2x.png</c>), versions of packages
/// (<c>react@18.2.0-rc.1</c>), accounts of version control (<c>git@github.com:</c>), units of systemd and expressions of programs. An
/// account on a machine (<c>ssh jane@host.example.com</c>) looks exactly like an address, may name a person, and is masked as one.
/// </summary>
internal static class MailLookalikes
{
    private static readonly FrozenSet<string> Accounts = Set("git hg svn gitea gogs gitlab");

    // None of these is a top-level domain.
    private static readonly FrozenSet<string> Extensions = Set(
        "png jpg jpeg jpe gif svg svgz webp avif jxl heic ico bmp tif tiff psd css scss less js mjs cjs jsx ts tsx json xml html htm xhtml "
            + "php asp aspx jsp txt csv "
        + "pdf gz tgz tar bz xz rar mp3 mp4 webm ogg wav woff woff2 ttf otf eot exe dll jar war class java service socket timer");

    private static readonly FrozenSet<string> Receivers = Set("self this cls");

    /// <param name="after">The character behind the domain, or NUL.</param>
    public static bool Is(ReadOnlySpan<char> local, ReadOnlySpan<char> domain, char after)
    {
        if (Accounts.GetAlternateLookup<ReadOnlySpan<char>>().Contains(local)) return true;
        if (after == '(') return true;                                   // q@k.transpose(…)
        var first = domain[..domain.IndexOf('.')];
        if (Receivers.GetAlternateLookup<ReadOnlySpan<char>>().Contains(first)) return true;
        if (Extensions.GetAlternateLookup<ReadOnlySpan<char>>().Contains(domain[(domain.LastIndexOf('.') + 1)..])) return true;
        // Two numbers to begin with are a version, as in 18.2.0-rc.next; there are domains of one (163.com).
        var rest = domain[(first.Length + 1)..];
        return first.IndexOfAnyExceptInRange('0', '9') < 0
            && rest.IndexOf('.') > 0
            && char.IsAsciiDigit(rest[0])
            && rest[..rest.IndexOfAny('.', '-')].IndexOfAnyExceptInRange('0', '9') < 0;
    }

    private static FrozenSet<string> Set(string words) =>
        words.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
}
