namespace Dolmen.Data.Privacy;

internal enum PersonalNumber
{
    None,
    Phone,
    Card,
    NationalId,
}

/// <summary>Numbers in groups ("555-123-4567"). A number is personal when
/// it is a card's: 13 to 19 digits, an issuer's beginning, Luhn's check digit;
/// it is a national identity number's: by its check digits, see <see cref="NationalIds"/>;
/// it is a phone's: an international one after + or 00, or a national one written as nothing else is (North America, France, Korea, Japan,
/// the United Kingdom, Germany with a slash, China's mobiles).
/// Of a longer row of groups a part counts only between spaces.</summary>
internal static class PersonalNumbers
{
    private const int MaxDigits = 64, MaxGroups = 16;

    /// <summary>A Spanish foreigner's number begins with a letter.</summary>
    public static bool IsSpanishLetter(ReadOnlySpan<char> text, int at) =>
        text[at] is 'X' or 'Y' or 'Z' && (at == 0 || !(char.IsLetterOrDigit(text[at - 1]) || text[at - 1] == '_'));

    /// <param name="end">Where the row of groups ends that begins here.</param>
    public static (PersonalNumber Kind, int Start, int Length) Find(
        ReadOnlySpan<char> text, int at, int from, PersonalDataSettings settings, out int end)
    {
        Span<byte> digits = stackalloc byte[MaxDigits];
        Span<NumberGroup> groups = stackalloc NumberGroup[MaxGroups];
        int count = 0, used = 0;
        end = at;
        while (count < MaxGroups)
        {
            var start = end;
            while (end < text.Length && char.IsAsciiDigit(text[end]) && used < MaxDigits) digits[used++] = (byte)(text[end++] - '0');
            groups[count++] = new(start, end - start, used - (end - start));
            if (used == MaxDigits) break;
            var next = end;
            if (next < text.Length && text[next] == ')') next++;
            if (next < text.Length && text[next] is ' ' or '\u00A0' or '-' or '.' or '/') next++;
            if (next < text.Length && text[next] == '(') next++;
            if (next == end || next >= text.Length || !char.IsAsciiDigit(text[next])) break;
            end = next;
        }
        while (end < text.Length && char.IsAsciiDigit(text[end])) end++;
        if (used is < 7 or MaxDigits) return default;
        var row = new NumberRow(text, digits[..used], groups[..count]);
        for (var first = 0; first < count; first++)
        {
            if (first > 0 && !row.IsSpaceBefore(first)) continue;
            for (var last = count - 1; last >= first; last--)
            {
                if (last + 1 < count && !row.IsSpaceBefore(last + 1)) continue;
                var part = row.Part(first, last);
                if (part.Digits.Length is < 7 or > 20) continue;
                var kind = Kind(part, from, settings, out var start, out var stop);
                if (kind != PersonalNumber.None) return (kind, start, stop - start);
            }
        }
        return default;
    }

    private static PersonalNumber Kind(NumberPart part, int from, PersonalDataSettings settings, out int start, out int stop)
    {
        (start, stop) = (part.Start, part.End);
        // Digits that touch a word belong to a longer code; only national numbers may end in a letter, which checks them.
        if (settings.NationalIds && NationalIds.Is(part, from, ref start, ref stop)) return PersonalNumber.NationalId;
        if (part.TouchesWord) return PersonalNumber.None;
        if (settings.Cards && IsCard(part)) return PersonalNumber.Card;
        if (!settings.Phones || !IsPhone(part)) return PersonalNumber.None;
        if (start > from && part.Before is '+' or '(') start--;
        if (start > from && part.Before == '(' && start > 0 && part.Text[start - 1] == '+') start--;
        return PersonalNumber.Phone;
    }

    private static bool IsCard(NumberPart part)
    {
        var digits = part.Digits;
        if (digits.Length is < 13 or > 19 || !part.SeparatedBy(" -\u00A0") || (part.Groups.Length > 1 && part.Groups[0].Length != 4))
            return false;
        var four = (digits[0] * 1000) + (digits[1] * 100) + (digits[2] * 10) + digits[3];
        var issued = (four / 1000, digits.Length) switch
        {
            (4, 13 or 16 or 19) => true,
            (3, 15) => four / 100 is 34 or 37,
            (3, 14) => four / 100 is 36 or 38 or 39 || four / 10 is >= 300 and <= 305,
            (3, >= 16) => four is >= 3528 and <= 3589,
            (5, 16) => four / 100 is >= 51 and <= 55,
            (2, 16) => four is >= 2221 and <= 2720,
            (6, >= 16) => four is 6011 || four / 100 is 62 or 65 || four / 10 is >= 644 and <= 649,
            _ => false,
        };
        return issued && Luhn(digits);
    }

    private static bool Luhn(ReadOnlySpan<byte> digits)
    {
        var sum = 0;
        for (var index = 0; index < digits.Length; index++)
        {
            int digit = digits[^(index + 1)];
            if (index % 2 == 1) digit = digit > 4 ? (digit * 2) - 9 : digit * 2;
            sum += digit;
        }
        return sum % 10 == 0;
    }

    private static bool IsPhone(NumberPart part)
    {
        var digits = part.Digits;
        var shape = part.Shape;
        if (part.Before == '+') return digits.Length is >= 8 and <= 15 && digits[0] != 0;
        if (digits is [0, 0, > 0, ..] && part.Groups.Length > 1) return digits.Length is >= 10 and <= 17 && part.Groups[0].Length >= 2;
        if (part.Before is '.' or ',' or '/' or '-' or '=' or '#') return false;
        return digits switch
            {
                [>= 2, _, _, >= 2, ..] when digits.Length == 10 => shape is "334" && !part.SeparatedBy("/"),
                [1, >= 2, _, _, >= 2, ..] when shape is "1334" => true,
                [1, >= 3, ..] when digits.Length == 11 => shape is "11" or "344",
                [0, > 0, ..] when digits.Length == 10 => shape is "22222" or "244" or "334" or "343",
                [0, > 0, ..] when digits.Length == 11 => shape is "344" or "56" or "434",
                [0, > 0, ..] when digits.Length == 9 => shape is "234",
                _ => false,
            }
            || (
                digits[0] == 0
                && digits.Length is >= 9 and <= 12
                && part.Groups.Length == 2
                && part.Groups[0].Length is >= 3 and <= 5
                && part.SeparatedBy("/")
            );
    }
}
