/*
 * http_sha256.h - SHA-256 (FIPS 180-4): keys of the cache, checksums of its files, signed bodies.
 */
#ifndef IDC_ADAPTERS_COMMON_HTTP_SHA256_H
#define IDC_ADAPTERS_COMMON_HTTP_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { IDC_SHA256_BYTES = 32, IDC_SHA256_BLOCK = 64, IDC_SHA256_HEX = 65 };

typedef struct IdcSha256 {
    uint32_t state[8];
    uint64_t total;
    uint8_t block[IDC_SHA256_BLOCK];
} IdcSha256;

void idc_sha256_init(IdcSha256 *hash);
void idc_sha256_add(IdcSha256 *hash, const void *bytes, size_t len);
void idc_sha256_end(IdcSha256 *hash, uint8_t digest[IDC_SHA256_BYTES]);

/* Lower case, NUL-terminated. */
void idc_sha256_hex(const uint8_t digest[IDC_SHA256_BYTES], char hex[IDC_SHA256_HEX]);

#endif
