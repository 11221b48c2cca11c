using System.Globalization;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <param name="Bytes">What the id stands for.</param>
/// <param name="IsWhole">The bytes are whole characters.</param>
/// <param name="IsSpecial">It controls and is not part of the text.</param>
public sealed record ViewedToken(int Id, byte[] Bytes, bool IsWhole, bool IsSpecial);

/// <summary>A text's tokens for people to look at.</summary>
public static class TokenView
{
    /// <summary>Nobody looks at more, and a page of more opens in no browser.</summary>
    public const int MostChars = 1 << 20;

    private const string Reset = "\e[0m", Special = "\e[1;7m";

    // Dark text on five light grounds: neighbours differ even where a token repeats.
    private static readonly string[] Grounds =
    [
        "\e[30;48;5;153m",
        "\e[30;48;5;222m",
        "\e[30;48;5;157m",
        "\e[30;48;5;218m",
        "\e[30;48;5;189m",
    ];

    /// <exception cref="UserErrorException">The text is too long.</exception>
    public static IReadOnlyList<ViewedToken> Of(Tokenizer tokenizer, string text, bool parseSpecial = false)
    {
        if (text.Length > MostChars)
            throw new UserErrorException(
                $"The text has more than {MostChars} characters, the most that can be looked at. Name a part of it, or count its tokens "
                    + $"with 'dolmen tokenizer encode'."
            );
        return
        [
            .. tokenizer
                .Encode(text, parseSpecial)
                .Select(token =>
                {
                    var bytes = tokenizer.BytesOf(token).ToArray();
                    return new ViewedToken(token, bytes, TokenText.IsWhole(bytes), tokenizer.IsSpecial(token));
                }),
        ];
    }

    /// <summary><c>[to|kens]</c> and <c>[1|2]</c> below it; special tokens as «name».</summary>
    public static string Plain(IReadOnlyList<ViewedToken> tokens)
    {
        var texts = tokens.Select(token => token.IsSpecial ? $"«{TokenText.Of(token.Bytes)}»" : TokenText.Of(token.Bytes, @"\|"));
        return $"[{string.Join('|', texts)}]\n[{string.Join('|', tokens.Select(token => token.Id))}]\n{Fragments(tokens)}"
            + $"{Summary(tokens)}\n";
    }

    /// <summary>The tokens in colours for a terminal.</summary>
    public static string Coloured(IReadOnlyList<ViewedToken> tokens)
    {
        var text = new StringBuilder();
        for (var i = 0; i < tokens.Count; i++)
        {
            text.Append(Ground(tokens, i)).Append(TokenText.Of(tokens[i].Bytes)).Append(Reset);
            if (tokens[i].Bytes.Contains((byte)'\n')) text.Append('\n');
        }
        text.Append('\n');
        for (var i = 0; i < tokens.Count; i++)
            text.Append(Ground(tokens, i)).Append(CultureInfo.InvariantCulture, $"{tokens[i].Id}").Append(Reset).Append(' ');
        return text.Append('\n').Append(Fragments(tokens)).Append(Summary(tokens)).Append('\n').ToString();
    }

    private static string Ground(IReadOnlyList<ViewedToken> tokens, int index) =>
        tokens[index].IsSpecial ? Special : Grounds[index % Grounds.Length];

    /// <summary>Ids that are not whole characters with their bytes, each once.</summary>
    private static string Fragments(IReadOnlyList<ViewedToken> tokens)
    {
        var fragments = tokens
            .Where(token => !token.IsWhole)
            .DistinctBy(token => token.Id)
            .Select(token => $"{token.Id} = {TokenText.Hex(token.Bytes)}")
            .ToList();
        return fragments.Count == 0 ? "" : $"Parts of characters: {string.Join(" · ", fragments)}\n";
    }

    private static string Summary(IReadOnlyList<ViewedToken> tokens)
    {
        var bytes = tokens.Where(token => !token.IsSpecial).Sum(token => (long)token.Bytes.Length);
        var ratio =
            tokens.Count == 0 ? "" : $", {((double)bytes / tokens.Count).ToString("0.00", CultureInfo.InvariantCulture)} bytes per token";
        return string.Create(CultureInfo.InvariantCulture, $"{tokens.Count:N0} tokens, {bytes:N0} bytes{ratio}");
    }
}
