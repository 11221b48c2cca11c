using System.Security.Cryptography;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Serving.Page;
using Microsoft.AspNetCore.Http;

namespace Dolmen.Serving;

/// <summary>Answers only who has one of the keys. <c>/health</c> and the page, which holds no data, are open. Keys are kept as hashes and
/// compared in constant time.</summary>
internal sealed class KeyGuard(IReadOnlyList<string> keys)
{
    private const string Scheme = "Bearer ", OtherHeader = "X-Api-Key";

    private readonly byte[][] _hashes = [.. keys.Select(Hash)];

    public Task Check(HttpContext http, Func<Task> next) => _hashes.Length == 0 || IsOpen(http.Request) || IsKnown(http.Request) ? next()
        : throw ApiErrorException.Refused(StatusCodes.Status401Unauthorized, Given(http.Request) is null
            ? "This server asks for a key: send the header 'Authorization: Bearer KEY'." : "The key is not one of this server's.",
            "invalid_api_key");

    /// <exception cref="UserErrorException">It cannot be sent in a header.</exception>
    public static void Validate(string key)
    {
        if (key.Length > 0 && key.All(letter => letter is > ' ' and <= '~')) return;
        throw new UserErrorException("A key (--api-key, --api-key-file, DOLMEN_API_KEY) must be at least one visible ASCII character and " +
            "hold no spaces.");
    }

    private static bool IsOpen(HttpRequest request) => (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        && (request.Path == "/health" || PageFiles.Owns(request.Path));

    private bool IsKnown(HttpRequest request)
    {
        if (Given(request) is not { } given) return false;
        var hash = Hash(given);
        var known = false;
        foreach (var key in _hashes) known |= CryptographicOperations.FixedTimeEquals(hash, key);
        return known;
    }

    private static string? Given(HttpRequest request)
    {
        if (request.Headers.Authorization is [{ } header] && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return header[Scheme.Length..].Trim();
        return request.Headers[OtherHeader] is [{ Length: > 0 } key] ? key : null;
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
