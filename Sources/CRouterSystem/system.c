// SPDX-License-Identifier: MIT
#include "CRouterSystem.h"
