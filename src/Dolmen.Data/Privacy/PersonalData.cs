using System.Buffers;
using System.Text;

namespace Dolmen.Data.Privacy;

/// <summary>What was masked in a text.</summary>
internal readonly record struct PersonalDataCounts(int Emails, int IpAddresses, int Phones, int Cards, int NationalIds)
{
    public int Total => Emails + IpAddresses + Phones + Cards + NationalIds;

    public PersonalDataCounts Plus(PersonalDataCounts other) =>
        new(
            Emails + other.Emails,
            IpAddresses + other.IpAddresses,
            Phones + other.Phones,
            Cards + other.Cards,
            NationalIds + other.NationalIds
        );
}

internal sealed record PersonalDataSettings(
    bool Emails = true,
    bool IpAddresses = true,
    bool Phones = true,
    bool Cards = true,
    bool NationalIds = true
);

/// <summary>Masks e-mail and public IP addresses as FineWeb does (datatrove's PIIFormatter: its replacements, taken in turn), IPv6 too, and
/// phone numbers, credit cards and national identity numbers by placeholders. Numbers are only taken for personal where their form says so
/// or check digits do, see <see cref="PersonalNumbers"/>. Masking twice changes nothing more.
/// One pass from one at sign or digit to the next; at each a bounded number of characters is looked at, so time is linear in any
/// text.</summary>
internal static class PersonalData
{
    public const string PhonePlaceholder = "[PHONE]", CardPlaceholder = "[CARD]", NationalIdPlaceholder = "[ID]";
    private const int MaxLocal = 64, MaxDomain = 253;

    /// <summary>Noise alone needs more than three.</summary>
    private const int MaxRounds = 8;

    private static readonly string[] EmailReplacements = ["email@example.com", "firstname.lastname@example.org"];
    private static readonly string[] IpReplacements =
    [
        "22.214.171.124",
        "126.96.36.199",
        "188.8.131.52",
        "184.108.40.206",
        "220.127.116.11",
        "18.104.22.168",
    ];
    private static readonly PersonalDataSettings Everything = new();
    private static readonly SearchValues<char> Signs = SearchValues.Create("@0123456789");
    private static readonly SearchValues<char> Local = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.%+_'-"
    );

    /// <summary>Masks until nothing is found: what was glued to something personal may be personal itself once that is gone.</summary>
    public static (string Text, PersonalDataCounts Counts) Mask(string text, PersonalDataSettings? settings = null)
    {
        settings ??= Everything;
        var (masked, counts) = Once(text, settings);
        var found = counts;
        for (var round = 1; found.Total > 0 && round < MaxRounds; round++)
        {
            (masked, found) = Once(masked, settings);
            counts = counts.Plus(found);
        }
        return (masked, counts);
    }

    private static (string Text, PersonalDataCounts Counts) Once(string text, PersonalDataSettings settings)
    {
        var span = text.AsSpan();
        StringBuilder? masked = null;
        var afterAddress = false;
        int from = 0, emails = 0, ips = 0, phones = 0, cards = 0, ids = 0;
        for (var at = 0; at < span.Length;)
        {
            var found = span[at..].IndexOfAny(Signs);
            if (found < 0) break;
            at += found;
            if (span[at] == '@')
            {
                if (settings.Emails && Email(span, at, from, afterAddress) is { Length: > 0 } email)
                    Replace(email.Start, email.Length, EmailReplacements[emails++ % 2]);
                else
                    at++;
                continue;
            }
            if (at > from && (char.IsLetterOrDigit(span[at - 1]) || span[at - 1] == '_') && !PersonalNumbers.IsSpanishLetter(span, at - 1))
            {
                at = EndOfDigits(span, at);
                continue;
            }
            // Digits of an e-mail's name are the e-mail's.
            var name = NameLength(span, at);
            if (name > 0 && settings.Emails && Email(span, at + name, from, afterAddress) is { Length: > 0 } mail && mail.Start <= at)
            {
                at += name;
                continue;
            }
            if (settings.IpAddresses && IpAddresses.LengthAt(span, at) is > 0 and var ip)
            {
                if (NameLength(span, at + ip) == 0 && !IpReplacements.AsSpan().Contains(span.Slice(at, ip).ToString()))
                    Replace(at, ip, IpReplacements[ips++ % IpReplacements.Length]);
                else
                    at += ip;
                continue;
            }
            var (kind, start, length) = PersonalNumbers.Find(span, at, from, settings, out var end);
            switch (kind)
            {
                case PersonalNumber.Phone: phones++; Replace(start, length, PhonePlaceholder); break;
                case PersonalNumber.Card: cards++; Replace(start, length, CardPlaceholder); break;
                case PersonalNumber.NationalId: ids++; Replace(start, length, NationalIdPlaceholder); break;
                default: at = end; break;
            }

            void Replace(int start, int length, string replacement)
            {
                (masked ??= new(text.Length)).Append(text, from, start - from).Append(replacement);
                from = at = start + length;
                afterAddress = replacement[0] != '[';
            }
        }
        var counts = new PersonalDataCounts(emails, ips, phones, cards, ids);
        return masked is null ? (text, counts) : (masked.Append(text, from, text.Length - from).ToString(), counts);
    }

    /// <returns>Characters up to an at sign, 0 when there is none or too far.</returns>
    private static int NameLength(ReadOnlySpan<char> text, int at)
    {
        var length = text.Slice(at, Math.Min(MaxLocal + 1, text.Length - at)).IndexOfAnyExcept(Local);
        return length >= 0 && text[at + length] == '@' ? Math.Max(1, length) : 0;
    }

    private static int EndOfDigits(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        return at;
    }

    private static (int Start, int Length) Email(ReadOnlySpan<char> text, int sign, int from, bool afterAddress)
    {
        var start = sign;
        var first = Math.Max(from, sign - MaxLocal);
        while (start > first && Local.Contains(text[start - 1])) start--;
        if (start > from ? Local.Contains(text[start - 1]) : afterAddress) return default;
        while (start < sign && !char.IsAsciiLetterOrDigit(text[start])) start++;
        if (start == sign || text[sign - 1] == '.') return default;
        var end = sign + 1;
        var last = Math.Min(text.Length, sign + 1 + MaxDomain);
        while (end < last && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '-' or '.')) end++;
        // Of "a@b.org+c@d.org" the last two parts may be an address; what goes on past the longest domain is none.
        if ((end < text.Length && end == last) || NameLength(text, end) > 0) return default;
        while (end > sign + 1 && !char.IsAsciiLetterOrDigit(text[end - 1])) end--;
        var domain = text[(sign + 1)..end];
        var dot = domain.LastIndexOf('.');
        if (
            dot <= 0
            || domain[0] is '.' or '-'
            || domain.IndexOf("..") >= 0
            || !char.IsAsciiLetter(domain[dot + 1])
            || domain.Length - dot < 3
        )
            return default;
        var email = text[start..end];
        foreach (var replacement in EmailReplacements)
        {
            if (email.SequenceEqual(replacement)) return default;
        }
        if (MailLookalikes.Is(text[start..sign], domain, end < text.Length ? text[end] : '\0')) return default;
        return (start, end - start);
    }
}
