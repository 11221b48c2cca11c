using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dolmen.Artifacts;

namespace Dolmen.Serving;

/// <summary>The certificate that a server proves itself with, and those between it and one that clients know.</summary>
public sealed record ServerCertificate(X509Certificate2 Certificate, X509Certificate2Collection Chain) : IDisposable
{
    private const string PasswordName = "DOLMEN_TLS_PASSWORD";

    /// <param name="certificatePath">PEM, the server's certificate first, or PKCS #12 (.pfx, .p12). Those between it and one that clients
    /// know may be beside it.</param>
    /// <param name="keyPath">PEM; null where the first file holds the key.</param>
    /// <param name="password">Of the key, where it has one.</param>
    /// <exception cref="UserErrorException">A file is missing or damaged, they do not belong together, or the time of the certificate has
    /// not come or is over.</exception>
    public static ServerCertificate Load(string certificatePath, string? keyPath, string? password, TimeProvider clock)
    {
        foreach (var path in new[] { certificatePath, keyPath ?? certificatePath })
        {
            if (!File.Exists(path))
                throw new UserErrorException($"'{path}' does not exist: --tls-cert and --tls-key name the certificate and its key.");
        }
        var loaded = Read(certificatePath, keyPath, password);
        var (certificate, now) = (loaded.Certificate, clock.GetUtcNow().UtcDateTime);
        if (!certificate.HasPrivateKey)
        {
            throw new UserErrorException($"'{certificatePath}' holds no private key: name its file with --tls-key.");
        }
        if (now > certificate.NotAfter.ToUniversalTime())
        {
            throw new UserErrorException(
                $"The certificate '{certificatePath}' ended on {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}: renew it.");
        }
        if (now < certificate.NotBefore.ToUniversalTime())
        {
            throw new UserErrorException($"The certificate '{certificatePath}' begins on " +
                $"{certificate.NotBefore.ToUniversalTime():yyyy-MM-dd}: wait until then, or look at this machine's clock.");
        }
        return loaded;
    }

    public void Dispose()
    {
        Certificate.Dispose();
        foreach (var one in Chain) one.Dispose();
    }

    private static ServerCertificate Read(string certificatePath, string? keyPath, string? password)
    {
        var chain = new X509Certificate2Collection();
        try
        {
            if (Path.GetExtension(certificatePath).ToLowerInvariant() is ".pfx" or ".p12")
            {
                if (keyPath is not null)
                    throw new UserErrorException($"--tls-key goes with a PEM certificate: '{certificatePath}' holds its key itself.");
                chain = X509CertificateLoader.LoadPkcs12CollectionFromFile(certificatePath, password);
                var own = chain.FirstOrDefault(one => one.HasPrivateKey) ?? throw new UserErrorException(
                    $"'{certificatePath}' holds no private key: export the certificate with its key, or use PEM with --tls-key.");
                chain.Remove(own);
                return new ServerCertificate(own, chain);
            }
            var certificate = password is null
                ? X509Certificate2.CreateFromPemFile(certificatePath, keyPath)
                : X509Certificate2.CreateFromEncryptedPemFile(certificatePath, password, keyPath);
            chain.ImportFromPemFile(certificatePath);
            return new ServerCertificate(certificate, chain);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new UserErrorException($"The certificate '{certificatePath}' cannot be used" +
                (keyPath is null ? "" : $" with the key '{keyPath}'") + $": {error.Message} It must be PEM with --tls-key of the same " +
                $"pair, or .pfx; a password is read from {PasswordName}.", error);
        }
    }
}
