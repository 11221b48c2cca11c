using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Dolmen.Web.Crawling;

/// <summary>Which network addresses lie on the open internet. Everything that may mean this machine, its network or a cloud's own
/// services does not, in whatever form of IPv6 it is wrapped (IANA's special-purpose registries).</summary>
internal static class PublicAddress
{
    private static readonly (uint Network, int Bits)[] Private4 =
    [
        (0x00000000, 8), (0x0A000000, 8), (0x64400000, 10), (0x7F000000, 8), (0xA9FE0000, 16), (0xAC100000, 12), (0xC0000000, 24),
        (0xC0000200, 24), (0xC0586300, 24), (0xC0A80000, 16), (0xC6120000, 15), (0xC6336400, 24), (0xCB007100, 24), (0xE0000000, 3),
    ];

    public static bool Is(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        if (address.AddressFamily == AddressFamily.InterNetwork && length == 4) return Is4(BinaryPrimitives.ReadUInt32BigEndian(bytes));
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return false;
        var high = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        var low = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        if (high == 0x0064FF9B_00000000 && low >> 32 == 0) return Is4((uint)low);             // 64:ff9b::/96 translates to IPv4
        if (high == 0 && low >> 32 == 0xFFFF) return Is4((uint)low);                          // ::ffff:0:0/96 is IPv4
        if (high >> 48 == 0x2002) return Is4((uint)(high >> 16));                             // 6to4 carries IPv4
        if (high >> 61 != 1) return false;                                                    // only 2000::/3 is given out
        return high >> 41 != 0x20010000UL >> 9                                                // 2001::/23: Teredo and the like
            && high >> 32 != 0x20010DB8 && high >> 44 != 0x3FFF0;                             // for documentation
    }

    private static bool Is4(uint address)
    {
        foreach (var (network, bits) in Private4)
        {
            if ((address ^ network) >> (32 - bits) == 0) return false;
        }
        return true;
    }
}
